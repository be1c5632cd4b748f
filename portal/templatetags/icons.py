"""The portal's own icons: strokes on a 16 × 16 grid that take the colour of the text around them."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

SHAPES: dict[str, str] = {
    "mark": '<path d="M1.5 8.5l3 3 5.5-6.6" opacity=".5"/><path d="M6 11.6l1.1 1.1L14.5 4.2"/>',
    "check": '<path d="M3 8.5l3.2 3.2L13 4.6"/>',
    "cross": '<path d="M4 4l8 8M12 4l-8 8"/>',
    "alert": '<path d="M8 2.2l6.3 11.3H1.7z"/><path d="M8 6.6v3M8 11.6v.1"/>',
    "question": '<circle cx="8" cy="8" r="6.2"/><path d="M6.2 6.3a1.9 1.9 0 1 1 2.6 1.8c-.6.3-.8.6-.8 1.2M8 11.4v.1"/>',
    "clock": '<circle cx="8" cy="8" r="6.2"/><path d="M8 4.6V8l2.3 1.6"/>',
    "dash": '<path d="M3.5 8h9"/>',
    "stop": '<circle cx="8" cy="8" r="6.2"/><path d="M3.7 3.7l8.6 8.6"/>',
    "spark": '<path d="M8 2v3M8 11v3M2 8h3M11 8h3M4 4l1.7 1.7M10.3 10.3L12 12M12 4l-1.7 1.7M5.7 10.3L4 12"/>',
    "loop": '<path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.5v2.6h-2.6"/>',
    "copy": '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2"/>',
    "inbox": '<path d="M2 9.5l2-6h8l2 6v3a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1zM2 9.5h3.5l1 2h3l1-2H14"/>',
    "person": '<circle cx="8" cy="5.3" r="2.8"/><path d="M2.6 13.8c.5-2.9 2.6-4.3 5.4-4.3s4.9 1.4 5.4 4.3"/>',
    "workflow": '<circle cx="4" cy="4" r="2"/><circle cx="12" cy="12" r="2"/><path d="M6 4h3.5a2.5 2.5 0 0 1 2.5 2.5V10"/>',
    "service": '<rect x="2" y="2.5" width="12" height="4.5" rx="1"/><rect x="2" y="9" width="12" height="4.5" rx="1"/><path d="M4.5 4.8v.1M4.5 11.3v.1"/>',
    "agent": '<rect x="3" y="5" width="10" height="8" rx="2"/><path d="M8 2v3M6 8.5v1M10 8.5v1M1.5 8v2.5M14.5 8v2.5"/>',
    "bot": '<rect x="3" y="5" width="10" height="8" rx="2"/><path d="M8 2v3M6 8.5v1M10 8.5v1"/>',
    "key": '<circle cx="5" cy="11" r="3"/><path d="M7.2 8.8L13.5 2.5M11 5l2 2M9.3 6.7l1.3 1.3"/>',
    "pen": '<path d="M10.5 2.5l3 3L6 13l-3.7.7L3 10zM2 15h12"/>',
    "lock": '<rect x="3" y="7" width="10" height="7" rx="1.5"/><path d="M5 7V5a3 3 0 0 1 6 0v2"/>',
    "leave": '<path d="M6 2.5H3.5a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1H6M10 5l3 3-3 3M13 8H6"/>',
    "down": '<path d="M4 6l4 4 4-4"/>',
    "left": '<path d="M10 3L5 8l5 5"/>',
    "right": '<path d="M6 3l5 5-5 5"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "search": '<circle cx="7" cy="7" r="4.5"/><path d="M10.5 10.5L14 14"/>',
    "scroll": '<path d="M4 2.5h7a1 1 0 0 1 1 1V12a1.5 1.5 0 0 0 1.5 1.5H5A1.5 1.5 0 0 1 3.5 12V3a.5.5 0 0 1 .5-.5zM6 6h4M6 9h4"/>',
    "device": '<rect x="4.5" y="1.5" width="7" height="13" rx="1.5"/><path d="M7 12.5h2"/>',
    "bell": '<path d="M3.5 11.5c1-1 1-2 1-4.2a3.5 3.5 0 0 1 7 0c0 2.2 0 3.2 1 4.2zM6.6 13.6h2.8M8 2v1.6"/>',
    "sun": '<circle cx="8" cy="8" r="2.8"/><path d="M8 1.5v2M8 12.5v2M1.5 8h2M12.5 8h2M3.4 3.4l1.4 1.4M11.2 11.2l1.4 1.4M12.6 3.4l-1.4 1.4M4.8 11.2l-1.4 1.4"/>',
    "away": '<rect x="2.5" y="3.5" width="11" height="10" rx="1.5"/><path d="M2.5 6.5h11M5.5 2v3M10.5 2v3M6 10h4"/>',
    "gear": '<path d="M2 4.5h6M11.5 4.5H14M2 11.5h2.5M8 11.5h6"/><circle cx="9.8" cy="4.5" r="1.8"/><circle cx="6.2" cy="11.5" r="1.8"/>',
    "info": '<circle cx="8" cy="8" r="6.2"/><path d="M8 7.3v3.9M8 4.8v.1"/>',
}


def draw_icon(name: str, size: int = 16, css_class: str = "") -> SafeString:
    """Return an icon as inline SVG, hidden from screen readers: words beside it say the same. An unknown name is a bug."""
    return format_html(
        '<svg{} width="{}" height="{}" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.6" '
        'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">{}</svg>',
        format_html(' class="{}"', css_class) if css_class else "",
        size,
        size,
        mark_safe(SHAPES[name]),  # noqa: S308 - our own shapes, nothing from outside
    )
