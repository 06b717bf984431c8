/// The rule for names that a site file gives: they become rule ids, labels of metrics and names of files.
enum Identifier {
    static func check(_ text: String) throws(ValueFault) -> String {
        guard (1...63).contains(text.utf8.count) else { throw ValueFault("is no name: it needs 1 to 63 characters") }
        guard text.utf8.allSatisfy(isPart), text.utf8.first.map(isLetterOrDigit) == true else {
            throw ValueFault("is no name", help: "names are letters, digits, `.`, `-` and `_`, a letter or digit first")
        }
        return text
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}
