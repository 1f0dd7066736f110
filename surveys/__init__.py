"""Ask and follow up: surveys, figures and the calls that close the loop. The room stands; its furniture is to come."""
