extension String {
    /// The text with nothing in it that a terminal obeys, or that hides or reorders what a person reads: control
    /// characters, those that format (Unicode's category Cf, such as the overrides of direction) and those that nobody
    /// has assigned are written as `\u{1B}`. Line breaks and tabs stay.
    package var printable: String { escaped { $0 == "\n" || $0 == "\t" } }

    /// The same in one line: what comes from outside, such as the words of a CA, cannot begin a line of its own in a log.
    package var printableLine: String { escaped { _ in false } }

    private func escaped(_ stays: (Unicode.Scalar) -> Bool) -> String {
        // Nearly all texts are plain.
        if utf8.allSatisfy({ (0x20...0x7E).contains($0) || stays(Unicode.Scalar($0)) }) { return self }
        var text = ""
        for scalar in unicodeScalars {
            if stays(scalar) || scalar.isHarmless {
                text.unicodeScalars.append(scalar)
            } else {
                text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            }
        }
        return text
    }
}

extension Unicode.Scalar {
    fileprivate var isHarmless: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}
