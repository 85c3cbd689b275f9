/** Content codings that responses have (RFC 9110 §8.4.1, RFC 7932, RFC 8878), best compression first. */
export type Coding = 'br' | 'zstd' | 'gzip'

/**
 * The content coding of a response: of those that exist, the one that the client gave the highest weight in Accept-Encoding
 * (RFC 9110 §12.5.3), the first of several with that weight. Undefined for a body without coding, which a client gets that
 * sent no such header, prefers `identity`, or accepts nothing that exists.
 */
export function chooseCoding<C extends Coding>(
  accepted: string | null,
  existing: readonly C[],
): C | undefined {
  if (accepted === null || accepted === '') return undefined
  const weights = parseWeights(accepted)
  const weightOf = (coding: string) => weights.get(coding) ?? weights.get('*') ?? 0
  let best: C | undefined
  // A client that names a coding has asked for it, so `identity` wins only when it is named with a higher weight.
  let bestWeight = weights.get('identity') ?? 0
  for (const coding of existing) {
    const weight = weightOf(coding)
    if (weight === 0 || weight < bestWeight || (best !== undefined && weight === bestWeight)) continue
    best = coding
    bestWeight = weight
  }
  return best
}

/** Whether a client refuses bodies without coding: `identity;q=0`, or `*;q=0` without another weight for `identity`. */
export function refusesIdentity(accepted: string | null): boolean {
  if (accepted === null || !accepted.includes(';')) return false
  const weights = parseWeights(accepted)
  return (weights.get('identity') ?? weights.get('*')) === 0
}

/** Most headers are the same few, and this is on the path of every response. */
const parsed = new Map<string, ReadonlyMap<string, number>>()
const maxParsed = 64

function parseWeights(accepted: string): ReadonlyMap<string, number> {
  const known = parsed.get(accepted)
  if (known) return known
  const weights = new Map<string, number>()
  for (const one of accepted.toLowerCase().split(',')) {
    const [name = '', ...parameters] = one.split(';').map((part) => part.trim())
    if (name === '') continue
    const weight = parameters.find((part) => part.startsWith('q='))?.slice(2)
    weights.set(name === 'x-gzip' ? 'gzip' : name, weight === undefined ? 1 : parseWeight(weight))
  }
  if (parsed.size >= maxParsed) parsed.clear()
  // A long header is not kept.
  if (accepted.length <= 200) parsed.set(accepted, weights)
  return weights
}

/** A weight of another form refuses its coding, so that no client gets a coding that it did not clearly accept. */
function parseWeight(text: string): number {
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 0
}
