import js from "@eslint/js";
import { importX } from "eslint-plugin-import-x";
import globals from "globals";

const HTML_FROM_TEXT = "Text from an app must never become HTML: use the functions of dom.js.";
const OFFLINE = "The dashboard works offline: it loads nothing from other hosts.";

export default [
  js.configs.recommended,
  {
    files: ["src/embedded_host/dashboard/static/*.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { "import-x": importX },
    rules: {
      eqeqeq: "error",
      "max-len": ["error", { code: 100 }],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-shadow": "error",
      "no-unused-vars": ["error", { args: "after-used", caughtErrors: "all" }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML", "srcdoc"].map((property) => ({
          property,
          message: HTML_FROM_TEXT,
        })),
        { object: "document", property: "write", message: HTML_FROM_TEXT },
        { object: "document", property: "writeln", message: HTML_FROM_TEXT },
      ],
      "no-restricted-globals": ["error", { name: "DOMParser", message: HTML_FROM_TEXT }],
      "no-restricted-syntax": [
        "error",
        { selector: "Literal[value=/^(https?:)?\\u002F\\u002F(?!www\\.w3\\.org\\u002F)/]", message: OFFLINE },
      ],
      "import-x/default": "error",
      "import-x/named": "error",
      "import-x/no-cycle": "error",
      "import-x/no-self-import": "error",
      // The host generates statuses.js from engine/status.py.
      "import-x/no-unresolved": ["error", { ignore: ["^\\./statuses\\.js$"] }],
    },
  },
];
