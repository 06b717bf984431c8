/// A strict reader of the text exposition format 0.0.4, written from its description alone.
struct Exposition {
    struct Sample: Equatable {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var types: [String: String] = [:]
    private(set) var samples: [Sample] = []
    private var helped: Set<String> = []
    private var finished: Set<String> = []
    private var current: String?

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Fault(description: "the last line has no end") }
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            try read(String(line))
        }
        guard helped == Set(types.keys) else { throw Fault(description: "HELP and TYPE do not go together") }
    }

    func values(_ name: String, where labels: [String: String] = [:]) -> [Double] {
        samples.filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }.map(\.value)
    }

    func value(_ name: String, where labels: [String: String] = [:]) -> Double? {
        let found = values(name, where: labels)
        return found.count == 1 ? found[0] : nil
    }

    private mutating func read(_ line: String) throws {
        if line.hasPrefix("# HELP ") {
            let name = String(line.dropFirst(7).prefix { $0 != " " })
            if let current { finished.insert(current) }
            guard helped.insert(name).inserted else { throw Fault(description: "HELP twice: \(name)") }
            guard line.count > 8 + name.count else { throw Fault(description: "no help: \(name)") }
            current = name
        } else if line.hasPrefix("# TYPE ") {
            let words = line.split(separator: " ")
            guard words.count == 4, ["counter", "gauge", "histogram"].contains(words[3]), current == String(words[2])
            else { throw Fault(description: line) }
            guard types.updateValue(String(words[3]), forKey: String(words[2])) == nil else {
                throw Fault(description: "TYPE twice: \(line)")
            }
        } else {
            try readSample(line)
        }
    }

    private mutating func readSample(_ line: String) throws {
        var rest = Substring(line)
        let name = String(rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") })
        rest = rest.dropFirst(name.count)
        guard let first = name.first, !first.isNumber else { throw Fault(description: "no name: \(line)") }
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = String(rest.prefix { $0 != "=" })
                rest = rest.dropFirst(label.count)
                guard rest.hasPrefix("=\"") else { throw Fault(description: "label without value: \(line)") }
                rest = rest.dropFirst(2)
                guard labels.updateValue(try Self.labelValue(&rest, line), forKey: label) == nil else {
                    throw Fault(description: "label twice: \(line)")
                }
                if rest.first == "," { rest = rest.dropFirst() }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " ", let value = Double(rest.dropFirst()) else {
            throw Fault(description: "no value: \(line)")
        }
        try checkFamily(of: name, line)
        let sample = Sample(name: name, labels: labels, value: value)
        guard !samples.contains(where: { $0.name == name && $0.labels == labels }) else {
            throw Fault(description: "series twice: \(line)")
        }
        samples.append(sample)
    }

    private func checkFamily(of name: String, _ line: String) throws {
        guard let current, let type = types[current] else { throw Fault(description: "no TYPE before: \(line)") }
        let allowed = type == "histogram" ? ["_bucket", "_sum", "_count"].map { current + $0 } : [current]
        guard allowed.contains(name), !finished.contains(current) else {
            throw Fault(description: "not of the family \(current): \(line)")
        }
    }

    private static func labelValue(_ rest: inout Substring, _ line: String) throws -> String {
        var value = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return value
            case "\\":
                switch rest.popFirst() {
                case "n": value += "\n"
                case "\\": value += "\\"
                case "\"": value += "\""
                default: throw Fault(description: "bad escape: \(line)")
                }
            default: value.append(character)
            }
        }
        throw Fault(description: "label value without end: \(line)")
    }
}
