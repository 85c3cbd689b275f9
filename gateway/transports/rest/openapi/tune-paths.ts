import { tunePath, tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { header, refusals } from './responses.ts'
import type { Json } from './schemas.ts'

export const tunePaths: Json = {
  [tunePath]: {
    get: {
      tags: ['tasks'],
      operationId: 'tune',
      summary: 'Tune a recipe live, over a WebSocket',
      description:
        'JSON goes up: `open`, then any number of `change` and `apply`. JSON comes down, and after each `preview` its file as a binary frame. A program brings its token in `Authorization`, a page as the subprotocol `bearer.<base64url of the token>` beside the one that is spoken. The messages are described in `docs/tuning.md`.',
      parameters: [
        header(
          'Sec-WebSocket-Protocol',
          `\`${tuneProtocol}\`, and from a page with a token \`bearer.…\` besides.`,
        ),
      ],
      responses: {
        '101': { description: 'The WebSocket is open.' },
        ...refusals(),
      },
    },
  },
}
