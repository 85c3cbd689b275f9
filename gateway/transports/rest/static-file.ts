import { matchesWeakly } from './etag.ts'

/** A file that is served as it is, with the ways in which it is packed. */
export interface StaticFile {
  readonly type: string
  readonly etag: string
  readonly plain: Uint8Array<ArrayBuffer>
  readonly br?: Uint8Array<ArrayBuffer>
  readonly gzip?: Uint8Array<ArrayBuffer>
}

/** Reads a file and its `.br` and `.gz` beside it, where there are any. */
export async function readStatic(path: string): Promise<StaticFile> {
  const file = Bun.file(path)
  const [plain, br, gzip] = await Promise.all([file.bytes(), packed(`${path}.br`), packed(`${path}.gz`)])
  return staticFile(file.type, plain, { ...(br ? { br } : {}), ...(gzip ? { gzip } : {}) })
}

async function packed(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const file = Bun.file(path)
  return (await file.exists()) ? file.bytes() : undefined
}

export function staticFile(
  type: string,
  plain: Uint8Array<ArrayBuffer>,
  packed: Pick<StaticFile, 'br' | 'gzip'> = {},
): StaticFile {
  const hash = new Bun.CryptoHasher('sha256').update(plain).digest('base64url').slice(0, 22)
  return { type, etag: `"${hash}"`, plain, ...packed }
}

export function sendStatic(request: Request, file: StaticFile, headers: Record<string, string>): Response {
  const accepted = request.headers.get('accept-encoding') ?? ''
  const coding = (['br', 'gzip'] as const).find((one) => file[one] && acceptsEncoding(accepted, one))
  // Each coding has a tag of its own: a strong tag stands for the very bytes (RFC 9110 §8.8.3.3).
  const etag = coding ? file.etag.replace(/"$/, `-${coding}"`) : file.etag
  const about = { ...headers, etag, vary: 'Accept-Encoding' }
  if (matchesWeakly(request.headers.get('if-none-match'), etag))
    return new Response(null, { status: 304, headers: about })
  return new Response(coding ? file[coding] : file.plain, {
    headers: { ...about, 'content-type': file.type, ...(coding ? { 'content-encoding': coding } : {}) },
  })
}

/** Whether a client takes a coding, by its Accept-Encoding. */
export function acceptsEncoding(accepted: string, coding: string): boolean {
  return accepted.split(',').some((one) => {
    const [name, weight] = one.split(';').map((part) => part.trim().toLowerCase())
    return name === coding && !/^q=0(\.0*)?$/.test(weight ?? '')
  })
}
