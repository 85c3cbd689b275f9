/** Outlines on a 16 by 16 grid. */
const outlines = {
  up: 'M8 13V3M3.5 7.5 8 3l4.5 4.5',
  down: 'M8 3v10M3.5 8.5 8 13l4.5-4.5',
  close: 'm4 4 8 8M12 4l-8 8',
  plus: 'M8 3v10M3 8h10',
  fold: 'm4.5 6.5 3.5 3.5 3.5-3.5',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  check: 'm3 8.5 3.5 3.5L13 4.5',
  download: 'M8 2.5v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11',
  image: 'M2.5 3.5h11v9h-11zM2.5 10.5 6 7.5l3 3 1.5-1.5 3 3M10.5 6.5h.01',
  alert: 'M8 2.5 14 13H2zM8 6.5v3M8 11.25h.01',
  key: 'M9.5 9.5a3.5 3.5 0 1 0-3-3l-4 4v3h3v-2h2v-2zM11 5h.01',
  sun: 'M8 5.25a2.75 2.75 0 1 1 0 5.5 2.75 2.75 0 0 1 0-5.5M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7',
  stop: 'M4 4h8v8H4z',
  handles: 'm5.5 5-3 3 3 3M10.5 5l3 3-3 3',
  book: 'M3 2.5h4A1.5 1.5 0 0 1 8 4v9.5a1.5 1.5 0 0 0-1.5-1.5H3zM13 2.5H9A1.5 1.5 0 0 0 8 4v9.5A1.5 1.5 0 0 1 9.5 12H13z',
  info: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M8 7.5v3M8 5.25h.01',
  reload: 'M13.5 8A5.5 5.5 0 1 1 11.6 3.8M13.5 2v3h-3',
} as const

export type IconName = keyof typeof outlines

/** An icon that repeats the text beside it: hidden from screen readers. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={outlines[name]} />
    </svg>
  )
}
