/** An answer that tells where what it shows can be found from now on. */
export function created(status: 201 | 202, location: string, view: unknown): Response {
  return Response.json(view, { status, headers: { location } })
}
