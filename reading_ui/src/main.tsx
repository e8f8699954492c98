import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './app/app';
import { markDocument } from './words/language';
import './tokens.css';
import './base.css';
import './parts/parts.css';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root.');
markDocument();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
