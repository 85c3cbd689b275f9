import type { Usecases } from '../../usecases.ts'
import type { StreamHandlers } from './call-handler.ts'
import type { SendContent } from './send-content.ts'

/** Downloads of stored files, with ranges and conditions. */
export function contentHandlers(
  { getImageContent, getOutput }: Pick<Usecases, 'getImageContent' | 'getOutput'>,
  sendContent: SendContent,
): Pick<StreamHandlers, 'getImageContent' | 'getOutput'> {
  return {
    getImageContent: async ({ request, server, who, input }) =>
      sendContent({ request, server }, await getImageContent(who, input.id)),
    getOutput: async ({ request, server, who, input }) =>
      sendContent({ request, server }, await getOutput(who, input.id, input.name)),
  }
}
