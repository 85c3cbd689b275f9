import { noInput } from '@pixelflow/core/inputs'
import { actorsView, viewActor } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { declareCall } from '../calls/declare-call.ts'
import { actorExample } from '../calls/examples.ts'

/** All living actors, by name, with those of their tasks that belong to the caller. */
export const listActors = declareCall({
  name: 'listActors',
  tag: 'system',
  summary: 'List the running actors',
  description:
    'Actors that sent a heartbeat within the last seconds, with their capabilities and load. `held` counts the tasks of all accounts; `tasks` lists those of the caller.',
  http: { method: 'GET', path: '/api/v1/actors' },
  rpc: ImageService.method.listActors,
  access: 'tasks:read',
  input: noInput,
  output: actorsView,
  response: { description: 'The actors, by name.', example: { items: [actorExample] } },
  open:
    ({ roster }) =>
    ({ account }) => {
      const items = roster.actors.map(({ report, seenAt }) => {
        const tasks = report.tasks.filter((one) => one.account === account)
        return viewActor({ report: { ...report, tasks }, seenAt })
      })
      return { value: { items } }
    },
})
