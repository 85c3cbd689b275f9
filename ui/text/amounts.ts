import { formatBytes } from '@pixelflow/core/format-bytes'
import { formatDuration } from '@pixelflow/core/format-duration'

/** No-break space, so that a line never ends between a number and its unit. */
const gap = '\u00A0'

/** A size in bytes: `3.1 MB`. */
export function inBytes(bytes: number): string {
  return formatBytes(bytes, gap)
}

/** A duration in milliseconds: `84 ms`, `1.3 s`, `2 min 5 s`. */
export function inTime(ms: number): string {
  return formatDuration(ms, gap)
}

/** Age of a time: `just now`, `5 min ago`, `3 h ago`, then the date. */
export function inPast(at: string, now: number): string {
  const minutes = Math.floor((now - Date.parse(at)) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`
  return new Date(at).toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
}

/** Pixels in millions: `12.2 MP`. */
export function inMegapixels(pixels: number): string {
  return `${(pixels / 1e6).toFixed(pixels < 9.95e6 ? 1 : 0)}${gap}MP`
}

/** A fraction as a percentage that is never rounded up to 100 %: `72 %`, `99.6 %`. */
export function inShare(part: number, whole: number): string {
  const percent = (part / whole) * 100
  if (percent <= 99 || percent >= 100) return `${Math.round(percent)}${gap}%`
  return `${(Math.floor(percent * 10) / 10).toFixed(1)}${gap}%`
}

/** A size limit in the notation of the settings: `512 MiB` for a multiple of a binary unit, otherwise like `inBytes`. */
export function inLimit(bytes: number): string {
  const mib = bytes / 2 ** 20
  if (mib < 1 || !Number.isInteger(mib)) return inBytes(bytes)
  return mib % 1024 === 0 ? `${mib / 1024}${gap}GiB` : `${mib}${gap}MiB`
}
