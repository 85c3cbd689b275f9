import { describe, expect, test } from 'bun:test'
import type { TaskView } from '@pixelflow/core/views'
import { sampleImage } from '@pixelflow/testkit/images'
import type { GatewayProcess } from '@pixelflow/testkit/stack'
import type { Page } from 'playwright-core'
import { client } from '../client.ts'
import { useBrowserFixture } from './browser-fixture.ts'
import { openPage, resultImage } from './open-page.ts'

/** Tokens in a real browser: requested, postponed, and replaced by those of another account. */

let gateway: GatewayProcess
const taskOf: Record<string, TaskView> = {}

const env = { PIXELFLOW_API_TOKENS: 'ann:token-of-ann,bob:token-of-bob' }
const fixture = useBrowserFixture(
  async ({ stack }) => {
    gateway = await stack.gateway()
    await stack.actor()
    for (const [name, recipe] of [
      ['ann', 'resize:111'],
      ['bob', 'resize:222'],
    ] as const) {
      const api = client(gateway.url, `token-of-${name}`)
      const { id } = await api.upload(await sampleImage())
      taskOf[name] = await api.submit(id, recipe)
    }
  },
  { env },
)

const enterToken = async (page: Page, token: string) => {
  await page.getByRole('textbox', { name: 'Token' }).fill(token)
  await page.getByRole('button', { name: 'Use token' }).click()
}
const recentTasks = (page: Page) => page.locator('.recent-list')

describe('a token', () => {
  test('given after "Not now" loads the rest of the page', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    await page.getByRole('button', { name: 'Not now' }).click()
    await page.getByText('Token required').waitFor()
    await page.getByRole('button', { name: 'Token' }).click()
    await enterToken(page, 'token-of-ann')
    await recentTasks(page).getByText('resize:111').waitFor()
    await page.getByText('Token required').waitFor({ state: 'detached' })
    await opened.drop('hills.jpg', 'image/jpeg', await sampleImage())
    await opened.runButton.click()
    await page.locator(resultImage).waitFor()
    expect(opened.problems).toEqual([])
  }, 40_000)

  test('of another account shows only the data of that account', async () => {
    await using opened = await openPage(fixture.browser, gateway.url)
    const { page } = opened
    await enterToken(page, 'token-of-ann')
    await recentTasks(page).getByText('resize:111').click()
    await page.locator(resultImage).waitFor()
    expect(new URL(page.url()).hash).toBe(`#task=${taskOf['ann']?.id}`)

    await page.getByRole('button', { name: 'Token' }).click()
    await enterToken(page, 'token-of-bob')
    await recentTasks(page).getByText('resize:222').waitFor()
    expect(await recentTasks(page).getByText('resize:111').count()).toBe(0)
    expect(await page.locator(resultImage).count()).toBe(0)
    expect(new URL(page.url()).hash).toBe('')
    expect(opened.problems).toEqual([])
  }, 40_000)

  test('button and header fit a screen of 360 pixels', async () => {
    await using opened = await openPage(fixture.browser, gateway.url, { width: 360, height: 740 })
    const { page } = opened
    await enterToken(page, 'token-of-ann')
    await recentTasks(page).getByText('resize:111').waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360)
  }, 40_000)
})
