"""What all of ARM rests on: ids, refusals, calls and answers, operations, the world."""
