/** The `Idempotency-Key` of a request; undefined without one. */
export function idempotencyKeyOf(request: Request): string | undefined {
  return request.headers.get('idempotency-key') ?? undefined
}

/** The response to a call that created a resource. `replayed` marks the repeated response to an idempotent call. */
export function createdResponse(
  status: 201 | 202,
  location: string,
  view: unknown,
  replayed: boolean = false,
): Response {
  const replayHeader = replayed ? { 'idempotent-replayed': 'true' } : {}
  return Response.json(view, { status, headers: { location, ...replayHeader } })
}
