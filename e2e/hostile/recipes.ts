import { describe, expect, test } from 'bun:test'
import { expectProblem, contentLength, send } from './http-request.ts'
import { target, imageId } from './shared-target.ts'

export function testRecipes(): void {
  describe('invalid recipes are refused:', () => {
    const steps = (count: number) => Array.from({ length: count }, () => '{"op":"flip"}').join()
    test.each(
      [
        'null',
        '1',
        '[]',
        '{}',
        '"/"',
        '"explode"',
        '"__proto__"',
        '"constructor:1"',
        '"resize:__proto__=1"',
        '"resize:%00"',
        '"resize:%ff"',
        '"resize:%"',
        '"resize:1e309"',
        '"resize:-1"',
        '"resize:99999999"',
        '"blur:NaN"',
        '"blur:Infinity"',
        '"\\ud800"',
        '"crop:left=0:top=0:width=0:height=0"',
        '{"steps":[null]}',
        '{"steps":{"length":1e9}}',
        '{"steps":[{"op":{}}]}',
        '{"steps":[{"op":"toString"}]}',
        '{"steps":[{"op":"resize","width":1e309}]}',
        '{"steps":[{"op":"resize","width":5,"__proto__":{}}]}',
        '{"steps":[{"op":"resize","width":5,"wdith":5}]}',
        '{"steps":[],"__proto__":{}}',
        '{"steps":[],"outputs":{"a":{"steps":[]},"__proto__":{"steps":[]}}}',
        '{"steps":[],"outputs":{"../a":{"steps":[]}}}',
        '{"steps":[],"outputs":{"a.b>*":{"steps":[]}}}',
        `{"steps":[${steps(33)}]}`,
        `{"steps":[${steps(50_000)}]}`,
        `"${'flip/'.repeat(40_000)}flip"`,
        `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
        `{"steps":${'{"steps":'.repeat(50_000)}1${'}'.repeat(50_001)}`,
        `{"steps":[],"outputs":{${Array.from({ length: 5000 }, (_, i) => `"o${i}":{"steps":[]}`).join()}}}`,
        `"${'x'.repeat(1_100_000)}"`,
      ].map((recipe) => [recipe.slice(0, 60), recipe]),
    )(
      '%s',
      async (_, recipe) => {
        const before = await target.broker.messages()
        const body = `{"image":"${imageId}","recipe":${recipe}}`
        const answer = await send(
          'POST',
          '/api/v1/tasks',
          ['Content-Type: application/json', contentLength(body)],
          body,
        )
        expect(['invalid_recipe', 'invalid_request']).toContain(expectProblem(answer))
        await target.expectNothingLeft(before, ['EVENTS', 'JOBS'])
      },
      20_000,
    )

    test('bodies that are not JSON or not UTF-8', async () => {
      for (const body of [
        '',
        '{',
        '\xff\xfe{}',
        'NaN',
        `{"image":"${imageId}"}`,
        '{"image":{"$ne":1},"recipe":"flip"}',
        `{"image":"${imageId}","recipe":"flip","x":1}`,
        `{"image":"${imageId}","recipe":"flip","__proto__":1}`,
      ]) {
        const answer = await send(
          'POST',
          '/api/v1/tasks',
          ['Content-Type: application/json', contentLength(body)],
          body,
        )
        expect([body, expectProblem(answer)]).toEqual([body, 'invalid_request'])
      }
    }, 20_000)
  })
}
