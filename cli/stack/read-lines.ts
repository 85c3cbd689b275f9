/** The lines of a byte stream; one that is longer than `longest` characters is cut into pieces of that length. */
export async function* readLines(
  stream: AsyncIterable<Uint8Array>,
  longest: number = 64 * 1024,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
    for (; rest.length > longest; rest = rest.slice(longest)) yield rest.slice(0, longest)
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}
