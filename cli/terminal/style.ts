/** Adds colours to text for a terminal; returns the text unchanged for any other stream. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  green(text: string): string
  red(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

export function styleOf(stream: { isTTY?: boolean }, useColor: boolean): Style {
  const isColored = useColor && stream.isTTY === true
  const code = (open: number, close: number) => (text: string) =>
    isColored ? `\u001b[${open}m${text}\u001b[${close}m` : text
  return {
    bold: code(1, 22),
    dim: code(2, 22),
    green: code(32, 39),
    red: code(31, 39),
    yellow: code(33, 39),
    cyan: code(36, 39),
  }
}
