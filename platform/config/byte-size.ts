import { printIn, type Measure } from './number-with-unit.ts'

const printedUnits = { TiB: 2 ** 40, GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10 }

/** A size in bytes: `512MiB`, `1.5GB`, or a plain number. */
export const byteSize: Measure = {
  noun: 'a size',
  examples: '512MiB or 2GB',
  units: {
    '': 1,
    B: 1,
    KB: 1e3,
    MB: 1e6,
    GB: 1e9,
    TB: 1e12,
    KiB: 2 ** 10,
    MiB: 2 ** 20,
    GiB: 2 ** 30,
    TiB: 2 ** 40,
  },
  print: (bytes) => printIn(printedUnits, bytes),
}
