/// A point in time, as a site file writes it: `2026-12-24T18:00:00Z` or `2026-12-24T18:00:00+01:00` (RFC 3339).
package struct DateTime: Sendable, Hashable, Comparable {
    /// Since 1970 began in UTC, leap seconds not counted.
    package let seconds: Int64

    package init(seconds: Int64) {
        self.seconds = seconds
    }

    package static func < (left: DateTime, right: DateTime) -> Bool { left.seconds < right.seconds }
}

extension DateTime: CustomStringConvertible {
    /// Reads a date and time with its zone, to the second. Which day `2026-12-24` ends, and at which hour, depends on
    /// where the reader is; so the zone must be there.
    package init(text: String) throws(ValueFault) {
        let bytes = Array(text.utf8)
        let help = "write it like `2026-12-24T18:00:00Z`"
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= bytes.count, bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) else {
                return nil
            }
            return bytes[range].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        func isAt(_ index: Int, _ marks: String) -> Bool { index < bytes.count && marks.utf8.contains(bytes[index]) }
        guard let year = number(0..<4), isAt(4, "-"), let month = number(5..<7), isAt(7, "-"),
            let day = number(8..<10), isAt(10, "Tt "), let hour = number(11..<13), isAt(13, ":"),
            let minute = number(14..<16), isAt(16, ":"), let second = number(17..<19)
        else { throw ValueFault("is no date with a time", help: help) }
        let offset: Int
        if bytes.count == 20, isAt(19, "Zz") {
            offset = 0
        } else if bytes.count == 25, isAt(19, "+-"), let hours = number(20..<22), isAt(22, ":"),
            let minutes = number(23..<25), hours < 24, minutes < 60
        {
            offset = (hours * 60 + minutes) * (isAt(19, "-") ? -60 : 60)
        } else {
            throw ValueFault("has no zone", help: help + ", or with `+01:00` for `Z`")
        }
        guard (1970...9999).contains(year), (1...12).contains(month), (1...Self.days(in: month, year)).contains(day),
            hour < 24, minute < 60, second < 60
        else { throw ValueFault("is no day or time that there is", help: help) }
        seconds = Int64(Self.days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
        guard seconds >= 0 else { throw ValueFault("is before 1970 began in UTC", help: help) }
    }

    /// In UTC.
    package var description: String {
        let (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        // Days count from March on, so that the leap day is the last of its year (Howard Hinnant's civil_from_days).
        let shifted = Int(days) + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let calendarMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (calendarMonth <= 2 ? 1 : 0)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let time = [rest / 3600, rest / 60 % 60, rest % 60].map { two(Int($0)) }.joined(separator: ":")
        return "\(year)-\(two(calendarMonth))-\(two(day))T\(time)Z"
    }

    private static func days(in month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 on (Howard Hinnant's days_from_civil).
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
