import Bytes

/// Which of two forms of an error page an Accept field asks for (RFC 9110 section 12.5.1).
package enum AcceptPreference {
    /// Whether JSON is wanted rather than HTML: it has the higher weight, or the same one by a more
    /// specific range (`application/json, */*`). Without a preference it is HTML.
    package static func prefersJSON(_ accept: Span<UInt8>) -> Bool {
        var json = Match()
        var html = Match()
        var elements = ListElements()
        while let element = elements.next(in: accept) {
            let range = accept.extracting(element)
            let typeEnd = range.firstIndex(of: UInt8(ascii: ";")) ?? range.count
            let type = range.extracting(range.trimmed(0..<typeEnd))
            let weight = weight(range.extracting(typeEnd..<range.count))
            if type.equals("*/*") {
                json.take(weight, specificity: 1)
                html.take(weight, specificity: 1)
            } else if type.equalsIgnoringCase("application/*") {
                json.take(weight, specificity: 2)
            } else if type.equalsIgnoringCase("text/*") {
                html.take(weight, specificity: 2)
            } else if type.equalsIgnoringCase("application/json") || isJSONSuffix(type) {
                json.take(weight, specificity: 3)
            } else if type.equalsIgnoringCase("text/html") || type.equalsIgnoringCase("application/xhtml+xml") {
                html.take(weight, specificity: 3)
            }
        }
        if json.weight != html.weight { return json.weight > html.weight }
        return json.specificity > html.specificity && json.weight > 0
    }

    /// The weight that the most specific range gives.
    private struct Match {
        var weight = 0
        var specificity = 0

        mutating func take(_ weight: Int, specificity: Int) {
            if specificity > self.specificity || (specificity == self.specificity && weight > self.weight) {
                self = Match(weight: weight, specificity: specificity)
            }
        }
    }

    private static func isJSONSuffix(_ type: Span<UInt8>) -> Bool {
        type.count > 5 && type.extracting((type.count - 5)..<type.count).equalsIgnoringCase("+json")
    }

    /// The `q` among a range's parameters in thousandths; 1000 when there is none, 0 when it is malformed.
    private static func weight(_ parameters: Span<UInt8>) -> Int {
        var position = 0
        while let start = parameters.firstIndex(of: UInt8(ascii: ";"), from: position) {
            let end = parameters.firstIndex(of: UInt8(ascii: ";"), from: start + 1) ?? parameters.count
            let parameter = parameters.extracting(parameters.trimmed((start + 1)..<end))
            if parameter.count >= 2 && parameter.extracting(0..<2).equalsIgnoringCase("q=") {
                return thousandths(parameter.extracting(2..<parameter.count))
            }
            position = end
        }
        return 1000
    }

    /// `0`, `1`, `0.123` and the like (RFC 9110 section 12.4.2).
    private static func thousandths(_ text: Span<UInt8>) -> Int {
        guard text.count >= 1 && text.count <= 5 && (text[0] == 0x30 || text[0] == 0x31) else { return 0 }
        guard text.count == 1 || text[1] == UInt8(ascii: ".") else { return 0 }
        var number = Int(text[0] - 0x30) * 1000
        var unit = 100
        var index = 2
        while index < text.count {
            guard text[index].isDigit else { return 0 }
            number += Int(text[index] - 0x30) * unit
            unit /= 10
            index += 1
        }
        return min(number, 1000)
    }
}
