import { printIn, type Measure } from './number-with-unit.ts'

const printedUnits = { GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10 }

/** A size in bytes: `512MiB`, `1.5GB`, or a plain number. */
export const byteSize: Measure = {
  expects: 'a size such as 512MiB or 2GB, or a number of bytes',
  units: {
    '': 1,
    b: 1,
    kb: 1e3,
    mb: 1e6,
    gb: 1e9,
    tb: 1e12,
    kib: 2 ** 10,
    mib: 2 ** 20,
    gib: 2 ** 30,
    tib: 2 ** 40,
  },
  print: (bytes) => printIn(printedUnits, bytes),
}
