/**
 * The rule file as text: coloured, completed, and marked where `check` found something. CodeMirror is imported here
 * alone; the page loads this chunk when somebody asks for the text.
 */
import { autocompletion, closeBrackets, closeBracketsKeymap, type CompletionContext, type CompletionResult, completionKeymap, insertCompletionText } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';

import type { RuleLanguageView, RuleProblemView } from '../api/types';
import { language as currentLanguage, useLanguage } from '../words/language';
import { suggestionsAt } from './completion';
import { changeBetween, offsetOf, wordAround } from './places';
import * as phrases from './words_editor';

interface CodeEditorProps {
  source: string;
  label: string;
  known: RuleLanguageView | null;
  problems: RuleProblemView[];
  /** Goes there and takes the focus, whenever `serial` grows. */
  goTo: { line: number; column: number; serial: number } | null;
  onChange: (source: string) => void;
}

const speech = new Compartment();
const theme = EditorView.theme(
  {
    '&': { height: '100%', backgroundColor: 'var(--page)', color: 'var(--text)', fontSize: 'var(--size)' },
    '&.cm-focused': { outline: 'var(--focus)' },
    '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: 'var(--line)' },
    '.cm-content': { caretColor: 'var(--text)' },
    '.cm-cursor': { borderLeftColor: 'var(--text)' },
    '.cm-gutters': { backgroundColor: 'var(--panel)', color: 'var(--faint)', borderRight: '1px solid var(--hairline)' },
    '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'rgb(31 40 51 / 55%)' },
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-soft)' },
    '.cm-selectionMatch': { backgroundColor: 'var(--warning-soft)' },
    '.cm-matchingBracket': { outline: '1px solid var(--accent)', backgroundColor: 'transparent !important' },
    '.cm-tooltip, .cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--control-border)' },
    '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '16em' },
    '.cm-tooltip-autocomplete > ul > li': { padding: '3px 8px' },
    '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--primary)', color: 'var(--primary-text)' },
    '.cm-completionDetail': { fontFamily: 'var(--font)', fontStyle: 'normal', marginLeft: '12px', color: 'var(--secondary)' },
    'li[aria-selected] > .cm-completionDetail': { color: 'inherit' },
    '.cm-diagnostic': { padding: '4px 8px', whiteSpace: 'pre-wrap', maxWidth: '60ch' },
    '.cm-diagnostic-error': { borderLeftColor: 'var(--critical)' },
    '.cm-diagnostic-warning': { borderLeftColor: 'var(--warning)' },
    '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--critical)', textUnderlineOffset: '3px' },
    '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--warning)', textUnderlineOffset: '3px' },
    '.cm-fact-hint': { padding: '4px 8px', fontFamily: 'var(--font)', maxWidth: '60ch' },
    '.cm-panel button, .cm-panel input': { color: 'var(--text)', backgroundColor: 'var(--page)', backgroundImage: 'none', border: '1px solid var(--control-border)' },
    '.cm-foldPlaceholder': { backgroundColor: 'var(--raised)', color: 'var(--secondary)', border: 'none' },
  },
  { dark: true },
);
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--ok)' },
  { tag: tags.comment, color: 'var(--secondary)', fontStyle: 'italic' },
  { tag: [tags.number, tags.bool, tags.keyword], color: 'var(--warning)' },
  { tag: [tags.separator, tags.punctuation, tags.bracket], color: 'var(--secondary)' },
]);

export default function CodeEditor({ source, label, known, problems, goTo, onChange }: CodeEditorProps) {
  const language = useLanguage();
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef({ known, onChange, label });
  useEffect(() => {
    latest.current = { known, onChange, label };
  });

  useEffect(() => {
    if (host.current === null) return undefined;
    const made = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: '',
        extensions: [
          lineNumbers(), foldGutter(), lintGutter(), highlightActiveLine(), highlightActiveLineGutter(), drawSelection(), history(),
          indentOnInput(), bracketMatching(), closeBrackets(), highlightSelectionMatches(), yaml(), theme, syntaxHighlighting(colours),
          EditorState.tabSize.of(2),
          EditorView.lineWrapping,
          autocompletion({ override: [(context) => completed(context, latest.current.known)], icons: false, defaultKeymap: true }),
          hoverTooltip((shown, position) => factHint(shown, position, latest.current.known)),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap]),
          speech.of([]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      made.destroy();
      view.current = null;
    };
  }, []);

  useEffect(() => {
    view.current?.dispatch({ effects: speech.reconfigure(spoken(language, label)) });
  }, [language, label]);

  useEffect(() => {
    // What the form wrote comes in as the smallest change, so that cursor and undo stay where they are.
    const change = view.current === null ? null : changeBetween(view.current.state.doc.toString(), source);
    if (change !== null) view.current?.dispatch({ changes: change });
  }, [source]);

  useEffect(() => {
    const shown = view.current;
    if (shown === null) return;
    const text = shown.state.doc.toString();
    const found = problems.map((problem): Diagnostic => {
      const from = offsetOf(text, problem.line, problem.column);
      const [start, end] = wordAround(text, from);
      return { from: start, to: end, severity: problem.is_warning ? 'warning' : 'error', message: problem[language] };
    });
    shown.dispatch(setDiagnostics(shown.state, found.sort((a, b) => a.from - b.from)));
  }, [problems, language, source]);

  useEffect(() => {
    const shown = view.current;
    if (goTo === null || shown === null) return;
    const at = offsetOf(shown.state.doc.toString(), goTo.line, goTo.column);
    shown.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) });
    shown.focus();
  }, [goTo]);

  return <div ref={host} className="code-editor" data-testid="rules-editor" />;
}

function spoken(language: 'zh' | 'en', label: string): Extension {
  return [EditorState.phrases.of(language === 'zh' ? phrases.zh : {}), EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' })];
}

function completed(context: CompletionContext, known: RuleLanguageView | null): CompletionResult | null {
  if (known === null) return null;
  const found = suggestionsAt(context.state.doc.toString(), context.pos, known, currentLanguage());
  if (found === null || !(context.explicit || found.isBegun)) return null;
  return {
    from: found.from,
    filter: false,
    options: found.options.map((one) => ({
      label: one.label,
      detail: one.detail,
      apply: (view, _, from, to) => {
        view.dispatch(insertCompletionText(view.state, one.insert ?? one.label, from, to));
      },
    })),
  };
}

function factHint(view: EditorView, position: number, known: RuleLanguageView | null) {
  const line = view.state.doc.lineAt(position);
  for (const word of line.text.matchAll(/[a-z_]+(?:\.[a-z_]+)+/gu)) {
    const from = line.from + word.index;
    if (position < from || position > from + word[0].length) continue;
    const fact = known?.facts.find((one) => one.name === word[0]);
    if (fact === undefined) return null;
    const dom = document.createElement('div');
    dom.className = 'cm-fact-hint';
    dom.textContent = `${fact[currentLanguage()]}${fact.unit === '' ? '' : ` (${fact.unit})`}${fact.choices.length === 0 ? '' : ` — ${fact.choices.join(', ')}`}`;
    return { pos: from, end: from + word[0].length, create: () => ({ dom }) };
  }
  return null;
}
