import { describe, expect, it } from 'vitest';

import { after, type Draft, EMPTY_TEXT, hasUnsaved } from './draft';

const fresh: Draft = { text: EMPTY_TEXT, templateId: '', revision: 0, state: 'empty', savedAt: null, reason: '', sending: null };
const words = (findings: string): Draft['text'] => ({ ...EMPTY_TEXT, findings });

describe('an autosaved draft', () => {
  it('is unsaved from the first key until the server has answered', () => {
    const typed = after(fresh, { kind: 'typed', text: words('a') });
    expect(typed.state).toBe('dirty');
    const sent = after(typed, { kind: 'sent' });
    expect(hasUnsaved(sent)).toBe(true);
    const saved = after(sent, { kind: 'saved', revision: 1, at: 'now' });
    expect(saved).toMatchObject({ state: 'saved', revision: 1 });
    expect(hasUnsaved(saved)).toBe(false);
  });

  it('is not called saved when more was typed while a save was on its way', () => {
    let draft = after(after(fresh, { kind: 'typed', text: words('a') }), { kind: 'sent' });
    draft = after(draft, { kind: 'typed', text: words('ab') });
    expect(draft.state).toBe('saving');
    draft = after(draft, { kind: 'saved', revision: 1, at: 'now' });
    expect(draft).toMatchObject({ state: 'dirty', revision: 1, text: words('ab') });
  });

  it('keeps the words and stops saving after a conflict, until a person has chosen', () => {
    let draft = after(after(fresh, { kind: 'typed', text: words('mine') }), { kind: 'sent' });
    draft = after(draft, { kind: 'refused', reason: 'revision', isConflict: true, isOffline: false });
    draft = after(draft, { kind: 'typed', text: words('mine too') });
    expect(draft).toMatchObject({ state: 'conflict', text: words('mine too') });
    expect(after(draft, { kind: 'rebased', revision: 7 })).toMatchObject({ state: 'dirty', revision: 7, text: words('mine too') });
    expect(after(draft, { kind: 'replaced', text: words('theirs'), templateId: 't', revision: 7, at: null })).toMatchObject({ state: 'saved', text: words('theirs') });
  });

  it('tells a cut line from a refusal', () => {
    const sent = after(after(fresh, { kind: 'typed', text: words('a') }), { kind: 'sent' });
    expect(after(sent, { kind: 'refused', reason: 'offline', isConflict: false, isOffline: true }).state).toBe('offline');
    expect(after(sent, { kind: 'refused', reason: 'too-long', isConflict: false, isOffline: false }).state).toBe('failed');
  });
});
