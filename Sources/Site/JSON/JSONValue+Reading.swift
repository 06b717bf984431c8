/// Values made and taken apart.
extension JSONValue {
    /// A count; one that no `Int` holds becomes the largest.
    package static func count(_ number: UInt64) -> JSONValue { .integer(Int(clamping: number)) }

    package static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }

    /// The member of that name; nil when there is none or this is no object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    package var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    package var integer: Int? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// Any number.
    package var number: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }

    package var boolean: Bool? {
        if case .boolean(let flag) = self { flag } else { nil }
    }

    /// The items; none when this is no array.
    package var items: [JSONValue] {
        if case .array(let items) = self { items } else { [] }
    }
}
