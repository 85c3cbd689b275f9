/** A measured number with three significant digits. */
export function formatMeasured(value: number): string {
  return String(Number(value.toPrecision(3)))
}
