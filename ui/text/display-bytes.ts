import { formatBytes } from '@pixelflow/core/format-bytes'
import { noBreakSpace } from './no-break-space.ts'

/** A size in bytes: `3.1 MB`. */
export function displayBytes(bytes: number): string {
  return formatBytes(bytes, noBreakSpace)
}

/** A limit in the notation of the settings: `512 MiB` for a multiple of a binary unit, otherwise like `displayBytes`. */
export function displayByteLimit(bytes: number): string {
  const mib = bytes / 2 ** 20
  if (mib < 1 || !Number.isInteger(mib)) return displayBytes(bytes)
  return mib % 1024 === 0 ? `${mib / 1024}${noBreakSpace}GiB` : `${mib}${noBreakSpace}MiB`
}
