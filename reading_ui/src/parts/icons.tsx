/** Small drawings of one line each. Decoration beside a word, unless `label` makes them speak by themselves. */
const PATHS = {
  image: 'M3 3h10v10H3zM5.5 11l2-3.5 1.5 2 1-1.2 1.5 2.7M6 5.6h.01',
  ecg: 'M1 9h3l1.2-3 2 7 2-10 1.8 6H15',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3 14 14',
  lock: 'M4 7.5h8V14H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  back: 'M10 3 5 8l5 5',
  check: 'M2.5 8.5 6 12l7.5-8',
  cross: 'M4 4l8 8M12 4l-8 8',
  warning: 'M8 2 15 14H1zM8 6.5v3.5M8 12.2v.01',
  clock: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.8V8l2.3 1.6',
  person: 'M8 3a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM3 14c.4-3 2.3-4.2 5-4.2s4.600 1.200 5 4.200',
  print: 'M4.500 6V2.500h7V6M4.500 11.500H2.500V6h11v5.500h-2M4.500 9.500h7v4h-7z',
  why: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM6.300 6.300A1.800 1.800 0 1 1 8 8.600v.9M8 11.500v.01',
  next: 'M6 3l5 5-5 5',
  open: 'M9 2.500h4.500V7M13.500 2.500 7.500 8.500M11.500 9.500v4h-9v-9h4',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, label }: { name: IconName; label?: string }) {
  const spoken = label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label };
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" {...spoken}>
      <path d={PATHS[name]} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
