/** What is being dragged: a person onto a day, or a stretch to another day. */
export interface Dragged {
  kind: 'person' | 'entry';
  id: string;
}
