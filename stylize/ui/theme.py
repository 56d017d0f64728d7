"""The look of the app: one theme for light and dark, system fonts only, so that nothing is fetched."""

from pathlib import Path

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

STYLESHEET = Path(__file__).with_name("style.css")

TEAL = colors.Color(
    c50="#f0f8f8",
    c100="#d9eeee",
    c200="#b5dddf",
    c300="#84c3c7",
    c400="#50a2a8",
    c500="#38898f",
    c600="#2b737a",
    c700="#265d63",
    c800="#234c52",
    c900="#204146",
    c950="#0f272b",
    name="result_teal",
)
"""Shades of the colour that results have in the videos."""

FONTS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONOSPACE_FONTS = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> Base:
    """Quiet surfaces, one accent colour, soft corners."""
    return Base(
        primary_hue=TEAL,
        secondary_hue=TEAL,
        neutral_hue=colors.stone,
        radius_size=sizes.radius_lg,
        font=FONTS,
        font_mono=MONOSPACE_FONTS,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_title_text_weight="600",
        block_shadow="none",
        block_shadow_dark="none",
        panel_border_width="0px",
        panel_border_width_dark="0px",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        checkbox_label_background_fill="*neutral_100",
        checkbox_label_background_fill_hover="*neutral_200",
        checkbox_label_background_fill_dark="*neutral_800",
        checkbox_label_background_fill_hover_dark="*neutral_700",
        button_secondary_background_fill="*neutral_100",
        button_secondary_background_fill_hover="*neutral_200",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        input_background_fill="*neutral_100",
        input_background_fill_dark="*neutral_800",
        checkbox_label_background_fill_selected="*primary_600",
        checkbox_label_background_fill_selected_dark="*primary_600",
        checkbox_label_text_color_selected="white",
        checkbox_label_text_color_selected_dark="white",
        checkbox_label_border_color_selected="*primary_600",
        checkbox_label_border_color_selected_dark="*primary_600",
        slider_color="*primary_600",
        slider_color_dark="*primary_500",
    )
