// A form that came back: the focus goes to the first field that is wrong, whose description says what.
document.querySelector("main [aria-invalid=true]:not(:disabled)")?.focus();
