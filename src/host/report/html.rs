//! Writes HTML: all text is escaped, every element is closed, and no external resource is used.

use super::plot::{Plot, SIZE};

/// What a page begins with, up to its title. The policy keeps a browser from asking for anything.
const BEGIN: &str = concat!(include_str!("head.html"), include_str!("style.css"), "</style>\n<title>");

/// A page so far.
pub(super) struct Html(String);

impl Html {
    pub(super) fn begin(title: &str) -> Self {
        let mut html = Self(BEGIN.into());
        html.text(title).raw("</title>\n</head>\n<body>\n<main>\n");
        html
    }

    pub(super) fn end(mut self) -> String {
        self.raw("</main>\n</body>\n</html>\n");
        self.0
    }

    /// Markup.
    pub(super) fn raw(&mut self, markup: &str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, in an element or an attribute.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // What no document may hold.
                letter if letter.is_control() && letter != '\n' && letter != '\t' => self.0.push('\u{FFFD}'),
                letter => self.0.push(letter),
            }
        }
        self
    }

    pub(super) fn element(&mut self, name: &str, text: &str) -> &mut Self {
        self.raw(&format!("<{name}>")).text(text).raw(&format!("</{name}>\n"))
    }

    pub(super) fn section(&mut self, title: &str, inner: impl FnOnce(&mut Self)) {
        self.raw("<section>").element("h2", title);
        inner(self);
        self.raw("</section>\n");
    }

    /// A plot with words below it.
    pub(super) fn plot(&mut self, caption: &str, plot: &Plot<'_>) {
        self.raw(&format!("<figure><svg viewBox=\"0 0 {} {}\"", SIZE.0, SIZE.1));
        self.raw(" role=\"img\" aria-label=\"").text(&plot.in_words()).raw("\">").raw(&plot.svg()).raw("</svg>");
        self.element("figcaption", caption).raw("</figure>\n");
    }

    /// An item of a list: pictures, one below the other, each by what it is about and its data, and a heading and more words.
    pub(super) fn picture(&mut self, pictures: &[(String, String)], heading: &str, more: &str) {
        self.raw("<li><figure>");
        for (about, url) in pictures {
            self.raw("<img alt=\"").text(about).raw("\" src=\"").text(url).raw("\">");
        }
        self.raw("<figcaption>").element("b", heading);
        self.raw(" <small>").text(more).raw("</small></figcaption></figure></li>\n");
    }

    /// A table that scrolls by itself where it is too wide, also by keyboard.
    pub(super) fn table(&mut self, caption: &str, head: &[impl AsRef<str>], rows: impl FnOnce(&mut Self)) {
        self.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"").text(caption).raw("\"><table>");
        self.element("caption", caption).raw("<thead><tr>");
        for name in head {
            self.raw("<th scope=\"col\">").text(name.as_ref()).raw("</th>");
        }
        self.raw("</tr></thead>\n<tbody>\n");
        rows(self);
        self.raw("</tbody></table></div>\n");
    }

    pub(super) fn header_cell(&mut self, text: &str) -> &mut Self {
        self.raw("<th scope=\"row\">").text(text).raw("</th>")
    }

    pub(super) fn cell(&mut self, text: &str) -> &mut Self {
        self.raw("<td>").text(text).raw("</td>")
    }

    /// A cell of what differs from time to time.
    pub(super) fn time_cell(&mut self, text: &str) -> &mut Self {
        self.raw("<td class=\"time\">").text(text).raw("</td>")
    }

    /// A name and its value.
    pub(super) fn fact(&mut self, name: &str, value: &str, attributes: &str) {
        self.raw("<dt>").text(name).raw("</dt><dd").raw(attributes).raw(">").text(value).raw("</dd>\n");
    }
}

/// A ratio in per cent, as the command line prints it.
pub(super) fn percent(ratio: f64) -> String {
    format!("{:.2} %", 100.0 * ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let mut html = Html(String::new());
        html.element("p", "a<b>&\"c\" 'd'\u{0}\u{1b}\n");
        assert_eq!(html.0, "<p>a&lt;b&gt;&amp;&quot;c&quot; &#39;d&#39;\u{FFFD}\u{FFFD}\n</p>\n");
    }
}
