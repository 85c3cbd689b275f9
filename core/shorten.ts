/** A text as it is quoted in a message: at most so many characters of it. */
export function shorten(text: string, most = 64): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
