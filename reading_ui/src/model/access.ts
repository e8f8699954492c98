/** Which pages a person may open; what they may see inside, the server decides. */
import type { SessionView } from '../api/types';

export type Page = 'worklist' | 'clinic' | 'orders' | 'quality' | 'admin' | 'wall';

export function pagesOf(session: SessionView): Page[] {
  const roles = new Set(session.grants.map((grant) => grant.role));
  const pages: Page[] = [];
  if (roles.has('reader') || roles.has('reviewer')) pages.push('worklist');
  if (roles.has('clinic')) pages.push('clinic');
  if (roles.has('clinic') || roles.has('admin')) pages.push('orders');
  if (roles.has('reviewer') || roles.has('admin')) pages.push('quality');
  if (roles.has('admin')) pages.push('admin');
  if (roles.has('reader') || roles.has('reviewer') || roles.has('admin')) pages.push('wall');
  return pages;
}

export function homeOf(session: SessionView): string {
  const first = pagesOf(session).find((page) => page !== 'orders' && page !== 'quality' && page !== 'wall');
  return first === 'admin' ? '/admin/overview' : first === undefined ? '/no-role' : `/${first}`;
}
