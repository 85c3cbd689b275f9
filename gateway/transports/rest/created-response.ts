/** The key under which a client may make a creating call again; undefined when it sends none. */
export function idempotencyKeyOf(request: Request): string | undefined {
  return request.headers.get('idempotency-key') ?? undefined
}

/** An answer that tells where what it shows can be found from now on; `replayed` when it was given before. */
export function createdResponse(
  status: 201 | 202,
  location: string,
  view: unknown,
  replayed: boolean = false,
): Response {
  const replayHeader = replayed ? { 'idempotency-replayed': 'true' } : {}
  return Response.json(view, { status, headers: { location, ...replayHeader } })
}
