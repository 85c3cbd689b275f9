import { Elysia } from 'elysia'

/** A bare Elysia server that answers each path of a file with its JSON: `bare-server.ts FILE`, an object of paths. Prints its port. */
const bodies = (await Bun.file(process.argv[2] ?? '').json()) as Record<string, string>
const app = new Elysia()
for (const [path, body] of Object.entries(bodies))
  app.get(path, () => new Response(body, { headers: { 'content-type': 'application/json' } }))
app.listen({ hostname: '127.0.0.1', port: 0 })
console.log(`port ${app.server?.port}`)
