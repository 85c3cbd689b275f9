/** Colours of lines that are told apart by people who see few colours, on a white and on a dark ground. */
const colors = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#999999']

export const colorOf = (at: number) => colors[at % colors.length] ?? '#999999'

export function escapeSvg(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** A text at a place. Its colour is readable on a white and on a dark ground. */
export function svgText(
  x: number,
  y: number,
  text: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escapeSvg(text)}</text>`
}

/** The line of a limit. */
export function dashedLine(x1: number, y1: number, x2: number, y2: number): string {
  const [left, top, right, bottom] = [x1, y1, x2, y2].map(round)
  return `<line x1="${left}" y1="${top}" x2="${right}" y2="${bottom}" stroke="#d33" stroke-width="2" stroke-dasharray="4 3"/>`
}

/** A complete picture with its title and a description for people who do not see it. */
export function svgDocument(
  size: { readonly width: number; readonly height: number },
  title: string,
  description: string,
  content: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" font-family="sans-serif" font-size="13" fill="#777">`,
    `<title>${escapeSvg(title)}</title>`,
    `<desc>${escapeSvg(description)}</desc>`,
    ...content,
    '</svg>',
    '',
  ].join('\n')
}

export const round = (value: number) => Math.round(value * 10) / 10
