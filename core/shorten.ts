/** Truncates a text that a message quotes. */
export function shorten(text: string, most = 64): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
