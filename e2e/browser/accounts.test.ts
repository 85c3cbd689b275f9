import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { TaskView } from '@pixelflow/core/views'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack, type GatewayProcess, type Stack } from '@pixelflow/testkit/stack'
import type { Browser, Page } from 'playwright-core'
import { client } from '../client.ts'
import { launchChromium } from './chromium.ts'
import { openTable } from './table.ts'

/** Tokens in a real browser: requested, postponed, and replaced by those of another account. */

let stack: Stack
let gateway: GatewayProcess
let browser: Browser
const taskOf: Record<string, TaskView> = {}

beforeAll(async () => {
  browser = await launchChromium()
  stack = await startStack({ env: { PIXELFLOW_API_TOKENS: 'ann:token-of-ann,bob:token-of-bob' } })
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
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await stack?.[Symbol.asyncDispose]()
}, 30_000)

const give = async (page: Page, token: string) => {
  await page.getByRole('textbox', { name: 'Token' }).fill(token)
  await page.getByRole('button', { name: 'Use token' }).click()
}
const recent = (page: Page) => page.locator('.recent-list')

describe('a token', () => {
  test('given after "Not now" loads the rest of the page', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    await page.getByRole('button', { name: 'Not now' }).click()
    await page.getByText('Token required').waitFor()
    await page.getByRole('button', { name: 'Token' }).click()
    await give(page, 'token-of-ann')
    await recent(page).getByText('resize:111').waitFor()
    await page.getByText('Token required').waitFor({ state: 'detached' })
    await table.drop('hills.jpg', 'image/jpeg', await sampleImage())
    await page.locator('.run-bar').getByRole('button').click()
    await page.locator('[data-testid=result]').waitFor()
    expect(table.troubles).toEqual([])
  }, 40_000)

  test('of another account shows only the data of that account', async () => {
    await using table = await openTable(browser, gateway.url)
    const { page } = table
    await give(page, 'token-of-ann')
    await recent(page).getByText('resize:111').click()
    await page.locator('[data-testid=result]').waitFor()
    expect(new URL(page.url()).hash).toBe(`#task=${taskOf['ann']?.id}`)

    await page.getByRole('button', { name: 'Token' }).click()
    await give(page, 'token-of-bob')
    await recent(page).getByText('resize:222').waitFor()
    expect(await recent(page).getByText('resize:111').count()).toBe(0)
    expect(await page.locator('[data-testid=result]').count()).toBe(0)
    expect(new URL(page.url()).hash).toBe('')
    expect(table.troubles).toEqual([])
  }, 40_000)

  test('button and header fit a screen of 360 pixels', async () => {
    await using table = await openTable(browser, gateway.url, { width: 360, height: 740 })
    const { page } = table
    await give(page, 'token-of-ann')
    await recent(page).getByText('resize:111').waitFor()
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360)
  }, 40_000)
})
