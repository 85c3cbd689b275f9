/** The change of a size in percent: `−86 %`, `−99.7 %`, `+3 %`, `±0 %`. */
export function formatChange(before: number, after: number): string {
  const exact = (after / before - 1) * 100
  const percent = Math.abs(exact).toFixed(exact < -99.5 && exact > -100 ? 1 : 0)
  if (percent === '0') return '±0 %'
  return `${exact < 0 ? '−' : '+'}${percent} %`
}
