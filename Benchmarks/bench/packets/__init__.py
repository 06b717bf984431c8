"""What a packet costs under rulesets of different sizes and makers."""
