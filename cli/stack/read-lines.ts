/** The lines of a byte stream; lines of more than `maxLength` characters are split. */
export async function* readLines(
  stream: AsyncIterable<Uint8Array>,
  maxLength: number = 64 * 1024,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
    for (; rest.length > maxLength; rest = rest.slice(maxLength)) yield rest.slice(0, maxLength)
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}
