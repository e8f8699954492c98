/** Plain CSS with tokens: colours come from src/tokens.css (and the ECG paper), so that contrast is checked once. */
export default {
  extends: ['stylelint-config-standard'],
  rules: {
    'selector-class-pattern': null,
    'custom-property-empty-line-before': null,
    'declaration-block-single-line-max-declarations': null,
    'rule-empty-line-before': null,
    'comment-empty-line-before': null,
    'at-rule-empty-line-before': null,
    'no-descending-specificity': null,
    'color-no-hex': true,
    'color-named': 'never',
  },
  overrides: [{ files: ['src/**/tokens.css'], rules: { 'color-no-hex': null } }],
};
