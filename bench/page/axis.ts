/** How values are placed between the lower and the upper end of a picture. */
export interface Axis {
  readonly isLogarithmic: boolean
  /** Values with a line, from the lower to the upper end. */
  readonly ticks: readonly number[]
  /** The place of a value: 0 is the lower end, 1 the upper one. */
  place(value: number): number
}

/** Values that span a larger factor get a logarithmic axis. */
const maxLinearFactor = 100
const maxLogarithmicTicks = 13
/** A linear axis has at most this many steps. */
const linearSteps = 5

/** An axis with round ticks for some values: linear from 0, or logarithmic if they span more than two decades. */
export function createAxis(values: readonly number[]): Axis {
  const highest = Math.max(0, ...values) || 1
  const lowest = Math.min(...values, highest)
  return lowest > 0 && highest / lowest > maxLinearFactor
    ? logarithmicAxis(lowest, highest)
    : linearAxis(highest)
}

function linearAxis(highest: number): Axis {
  const step = roundUp(highest / linearSteps)
  const count = Math.max(1, Math.ceil(highest / step - 1e-9))
  const ticks = Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(6)))
  return { isLogarithmic: false, ticks, place: (value) => value / (step * count) }
}

function logarithmicAxis(lowest: number, highest: number): Axis {
  const all = roundNumbers(lowest, highest)
  const isTenth = (value: number) => Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6)
  const ticks = all.length > maxLogarithmicTicks ? all.filter(isTenth) : all
  const bottom = Math.log10(all[0] ?? lowest)
  const top = Math.log10(all.at(-1) ?? highest)
  return { isLogarithmic: true, ticks, place: (value) => (Math.log10(value) - bottom) / (top - bottom) }
}

const factors = [1, 2, 5, 10]

/** The smallest 1, 2 or 5 times a power of ten that is not below a value. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = factors.find((one) => one * power >= value * (1 - 1e-9)) ?? 10
  return Number((factor * power).toPrecision(6))
}

/** Every 1, 2 and 5 times a power of ten from the last that is not above `lowest` to the first that is not below `highest`. */
function roundNumbers(lowest: number, highest: number): number[] {
  const numbers: number[] = []
  for (let power = Math.floor(Math.log10(lowest)); power <= Math.ceil(Math.log10(highest)); power += 1)
    numbers.push(...[1, 2, 5].map((factor) => Number((factor * 10 ** power).toPrecision(6))))
  const from = numbers.findLastIndex((one) => one <= lowest)
  const to = numbers.findIndex((one) => one >= highest)
  return numbers.slice(Math.max(0, from), to + 1)
}
