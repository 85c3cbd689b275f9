import { stripVTControlCharacters } from 'node:util'
import type { Style } from './style.ts'

/** A line at the bottom of a terminal that is rewritten in place. */
export interface LiveLine {
  /** Replaces the text. */
  show(text: string): void
  /** Writes a permanent line above the live line. */
  print(text: string): void
  /** Removes the live line. */
  clear(): void
}

interface Terminal {
  write(text: string): unknown
  readonly columns?: number
}

const start = '\r\u001b[2K'

export function createLiveLine(terminal: Terminal): LiveLine {
  let printedText = ''
  return {
    show(text) {
      const fitting = fitToWidth(text, (terminal.columns ?? 80) - 1)
      if (fitting === printedText) return
      printedText = fitting
      terminal.write(start + fitting)
    },
    print(text) {
      terminal.write(`${printedText ? start : ''}${text}\n${printedText}`)
    },
    clear() {
      if (printedText) terminal.write(start)
      printedText = ''
    },
  }
}

/** A bar of `width` cells for 0 to 100 percent, drawn in eighths of a cell. */
export function renderProgressBar(percent: number, width: number, style: Style): string {
  const eighths = Math.round((Math.min(100, Math.max(0, percent)) / 100) * width * 8)
  const full = '█'.repeat(Math.floor(eighths / 8))
  const part = eighths % 8 === 0 ? '' : String.fromCharCode(0x2590 - (eighths % 8))
  const rest = '░'.repeat(width - full.length - part.length)
  return style.cyan(full + part) + style.dim(rest)
}

/** Cuts a text to a number of columns. A text that is cut loses its colours. */
export function fitToWidth(text: string, columns: number): string {
  const plain = stripVTControlCharacters(text)
  return plain.length <= columns ? text : plain.slice(0, Math.max(0, columns))
}
