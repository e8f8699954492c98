/** Which pages a person may open; what they may see inside, the server decides. */
import type { SessionView } from '../api/types';

export type Page = 'worklist' | 'clinic' | 'orders' | 'quality' | 'admin' | 'wall' | 'roster';

export function pagesOf(session: SessionView): Page[] {
  const roles = new Set(session.grants.map((grant) => grant.role));
  const pages: Page[] = [];
  if (roles.has('reader') || roles.has('reviewer')) pages.push('worklist');
  if (roles.has('clinic')) pages.push('clinic');
  if (roles.has('clinic') || roles.has('admin')) pages.push('orders');
  if (roles.has('reviewer') || roles.has('admin')) pages.push('quality');
  if (roles.has('admin')) pages.push('admin');
  if (roles.has('reader') || roles.has('reviewer') || roles.has('admin')) pages.push('wall', 'roster');
  return pages;
}

export function homeOf(session: SessionView): string {
  const first = pagesOf(session).find((page) => !['orders', 'quality', 'wall', 'roster'].includes(page));
  return first === 'admin' ? '/admin/overview' : first === undefined ? '/no-role' : `/${first}`;
}
