import './no-eval.ts'
import { render } from 'preact'
import { createApp } from './app/app.ts'
import { AppProvider } from './view/use-app.ts'
import { Page } from './view/page.tsx'
import './styles/index.css'

const root = document.getElementById('app')
if (root === null) throw new Error('index.html has no element #app. Add it.')
render(
  <AppProvider value={createApp(window)}>
    <Page />
  </AppProvider>,
  root,
)
