/**
 * The one door to the server. Every answer that is not a success becomes an ApiProblem with a machine word.
 */
import type { Problem } from './types';

/** What went wrong, as the server said it (RFC 9457), or "offline" when no answer came. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    readonly status: number,
    readonly reason: string,
    readonly detail: string,
  ) {
    super(`${String(status)} ${reason}`);
  }
}

export type Method = 'POST' | 'PUT' | 'DELETE';

const whenLoggedOut = new Set<() => void>();

/** Calls back whenever the server says that nobody is logged in any more. Returns how to stop. */
export function onLoggedOut(tell: () => void): () => void {
  whenLoggedOut.add(tell);
  return () => whenLoggedOut.delete(tell);
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(path, { signal: signal ?? null });
  return (await response.json()) as T;
}

export async function getBytes(path: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  return (await ask(path, { signal: signal ?? null })).arrayBuffer();
}

/** Sends JSON and returns the JSON answer; an empty answer is undefined, so name T accordingly. */
export async function sendJson<T>(method: Method, path: string, body?: unknown): Promise<T> {
  const response = await ask(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return read<T>(response);
}

export async function sendText<T>(path: string, text: string, contentType: string): Promise<T> {
  return read<T>(await ask(path, { method: 'POST', headers: { 'Content-Type': contentType }, body: text }));
}

/** Builds a query string; empty, false and missing values are left out. */
export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const pairs = Object.entries(values).flatMap(([key, value]) =>
    value === '' || value === false || value == null ? [] : [[key, value === true ? '1' : String(value)]],
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

async function read<T>(response: Response): Promise<T> {
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

async function ask(path: string, options: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...options });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiProblem(0, 'offline', '');
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  const isLogin = path === '/api/session' && options.method === 'POST';
  if (response.status === 401 && !isLogin) for (const tell of whenLoggedOut) tell();
  throw problem;
}

async function problemOf(response: Response): Promise<ApiProblem> {
  try {
    const problem = (await response.json()) as Partial<Problem>;
    return new ApiProblem(response.status, problem.reason ?? 'failed', problem.detail ?? problem.title ?? '');
  } catch {
    // A proxy in between answers in its own words.
    return new ApiProblem(response.status, response.status >= 500 ? 'unavailable' : 'failed', response.statusText);
  }
}
