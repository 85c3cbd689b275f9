import { renderToString } from 'preact-render-to-string'
import { createApp } from './app/app.ts'
import { AppProvider } from './view/use-app.ts'
import { Page } from './view/page.tsx'

/**
 * The HTML of the page in its first state, for the build: browsers draw it before they have the script, which then adopts
 * the elements.
 */
export function prerender(): string {
  return renderToString(
    <AppProvider value={createApp(emptyWindow as unknown as Window)}>
      <Page />
    </AppProvider>,
  )
}

const emptyStorage = { getItem: () => null, setItem() {}, removeItem() {} }

/** What the first state depends on, as it is where nothing is stored and the theme is light. */
const emptyWindow = {
  localStorage: emptyStorage,
  sessionStorage: emptyStorage,
  matchMedia: () => ({ matches: false, addEventListener() {} }),
  addEventListener() {},
}
