import { fitToWidth } from './live-line.ts'

/** Lines at the bottom of a terminal that are rewritten in place. */
export interface LiveBlock {
  /** Replaces the lines. */
  show(lines: readonly string[]): void
  /** Writes a permanent line above the block. */
  print(text: string): void
  clear(): void
}

interface Terminal {
  write(text: string): unknown
  readonly columns?: number
  readonly rows?: number
}

/** Maximum number of lines: a block higher than the screen cannot be rewritten. */
export function blockRows({ rows = 24 }: Pick<Terminal, 'rows'>): number {
  return Math.max(1, rows - 2)
}

export function createLiveBlock(terminal: Terminal): LiveBlock {
  let printedLines: readonly string[] = []
  /** Moves to the start of the block and clears everything below. */
  const erase = () => {
    if (printedLines.length === 0) return ''
    const up = printedLines.length > 1 ? `\u001b[${printedLines.length - 1}A` : ''
    return `\r${up}\u001b[J`
  }
  return {
    show(lines) {
      const width = (terminal.columns ?? 80) - 1
      const fitting = lines.slice(0, blockRows(terminal)).map((line) => fitToWidth(line, width))
      if (fitting.join('\n') === printedLines.join('\n')) return
      terminal.write(erase() + fitting.join('\n'))
      printedLines = fitting
    },
    print(text) {
      terminal.write(`${erase()}${text}\n${printedLines.join('\n')}`)
    },
    clear() {
      terminal.write(erase())
      printedLines = []
    },
  }
}
