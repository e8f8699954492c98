/** The first page: who are you? */
import { type FormEvent, useState } from 'react';

import { session as api } from '../api/endpoints';
import type { SessionView } from '../api/types';
import { useAction } from '../app/resource';
import { TextField } from '../parts/field';
import { Note, ProblemNote } from '../parts/notes';
import { useWords } from '../words';
import { setLanguage, useLanguage } from '../words/language';
import './login.css';

export function LoginPage({ hasEnded, onLogIn }: { hasEnded: boolean; onLogIn: (session: SessionView) => void }) {
  const w = useWords();
  const language = useLanguage();
  const [login, setLogin] = useState('');
  const [password, setPassword] = useState('');
  const enter = useAction(async () => {
    try {
      onLogIn(await api.logIn({ login: login.trim(), password }));
    } catch (error) {
      setPassword('');
      throw error;
    }
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void enter.run();
  };
  return (
    <main className="login" id="content">
      <form onSubmit={submit} data-testid="login-form">
        <h1>{w.common.product}</h1>
        {hasEnded && enter.problem === null && <Note tone="warning">{w.login.ended}</Note>}
        <TextField
          label={w.login.login}
          name="login"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          value={login}
          onChange={(event) => { setLogin(event.target.value); }}
        />
        <TextField
          label={w.login.password}
          name="password"
          type="password"
          readOnly={enter.isBusy}
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => { setPassword(event.target.value); }}
        />
        <ProblemNote problem={enter.problem} />
        <button type="submit" className="button primary wide" disabled={enter.isBusy || login.trim() === '' || password === ''}>
          {enter.isBusy ? w.login.busy : w.login.submit}
        </button>
        <p className="secondary">{w.login.own}</p>
        <button type="button" className="button bare" lang={language === 'zh' ? 'en' : 'zh-CN'} onClick={() => { setLanguage(language === 'zh' ? 'en' : 'zh'); }}>
          {w.shell.otherLanguage}
        </button>
      </form>
    </main>
  );
}
