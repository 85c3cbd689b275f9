import { render } from 'preact'
import { createApp } from './app/app.ts'
import { AppProvider } from './view/use-app.ts'
import { Page } from './view/page.tsx'
import './styles/index.css'

const root = document.getElementById('app')
if (root === null) throw new Error('index.html has no element #app. Add it.')
const app = createApp(window)
// Adopts the elements that the build has drawn, and changes what differs, such as the theme.
render(
  <AppProvider value={app}>
    <Page />
  </AppProvider>,
  root,
)
root.inert = false
app.connect()
